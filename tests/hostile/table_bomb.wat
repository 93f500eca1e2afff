;; A table of a million functions.
(drop (table.grow $table (ref.null func) (i32.const 1000000)))
(i32.const 2048)
