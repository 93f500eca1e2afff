;; Crashes.
(unreachable)
