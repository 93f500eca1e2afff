;; Says that its text has 4 GiB, which its memory has not.
(i32.store (i32.const 2064) (i32.const 8))
(i32.store (i32.const 2068) (i32.const -1))
(i32.const 2048)
