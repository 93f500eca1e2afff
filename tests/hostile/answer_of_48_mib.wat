;; A text of 48 MiB, which its memory does have, so that the host would have to copy it.
(drop (memory.grow (i32.const 800)))
(i32.store (i32.const 2064) (i32.const 8))
(i32.store (i32.const 2068) (i32.const 50331648))
(i32.const 2048)
