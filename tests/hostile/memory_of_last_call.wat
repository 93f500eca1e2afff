;; Crashes when it finds what an earlier call wrote; otherwise writes it, and answers all zeros.
(if (i32.load (i32.const 3000)) (then (unreachable)))
(i32.store (i32.const 3000) (i32.const 1))
(i32.const 2048)
