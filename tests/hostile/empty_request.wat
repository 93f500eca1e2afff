;; All zeros: a request without origin, method and path.
(i32.const 2048)
