;; Asks for one page after the other, for ever.
(loop $again (drop (memory.grow (i32.const 1))) (br $again))
(unreachable)
