;; Neither an answer nor a failure.
(i32.store8 (i32.const 2048) (i32.const 7))
(i32.const 2048)
