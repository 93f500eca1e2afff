;; A text that is none.
(i32.store8 (i32.const 3000) (i32.const 0xff))
(i32.store (i32.const 2064) (i32.const 3000))
(i32.store (i32.const 2068) (i32.const 1))
(i32.const 2048)
