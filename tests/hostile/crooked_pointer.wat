;; Its answer lies at an address that is not aligned.
(i32.const 2049)
