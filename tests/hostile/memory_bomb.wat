;; Asks for 4 GiB at once, and would go on if it were refused politely.
(drop (memory.grow (i32.const 65000)))
(i32.const 2048)
