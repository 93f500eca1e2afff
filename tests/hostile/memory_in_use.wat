;; Asks for one page after the other and writes to each, so that the machine must have them.
(local $at i32)
(loop $again
  (local.set $at (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)))
  (i32.store (local.get $at) (i32.const 1))
  (br $again))
(unreachable)
