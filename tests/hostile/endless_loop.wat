;; Never comes back.
(loop $again (br $again))
(unreachable)
