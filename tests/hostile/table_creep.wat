;; Asks for one element of its table after the other, for ever.
(loop $again (drop (table.grow $table (ref.null func) (i32.const 1))) (br $again))
(unreachable)
