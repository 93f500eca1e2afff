;; Says that its request has four thousand million headers.
(i32.store (i32.const 2100) (i32.const 8))
(i32.store (i32.const 2104) (i32.const -1))
(i32.const 2048)
