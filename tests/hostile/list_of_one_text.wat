;; A request with 20,000 headers whose names are one and the same text of 32 KiB: half a MiB of its memory, which would be
;; 640 MiB of the host's.
(local $at i32)
(local.set $at (i32.const 131072))
(drop (memory.grow (i32.const 10)))
(loop $again
  (i32.store (local.get $at) (i32.const 4096))
  (i32.store offset=4 (local.get $at) (i32.const 32768))
  (local.set $at (i32.add (local.get $at) (i32.const 16)))
  (br_if $again (i32.lt_u (local.get $at) (i32.const 451072))))
(i32.store (i32.const 2100) (i32.const 131072))
(i32.store (i32.const 2104) (i32.const 20000))
(i32.const 2048)
