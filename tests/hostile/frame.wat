;; The frame around each hostile guest: an adapter with a valid manifest whose `start` is what the other files here say.
;; Placeholders: PAGES (initial memory), MANIFEST and LENGTH (the manifest and its bytes), MORE (further definitions),
;; REALLOC, DESCRIBE and START (function bodies, or their ends).
;;
;; `start` and `resume` take a pointer to their parameters and return one to `result<step, failure>`, which lies so:
;; 0 ok/err, 8 the step's case, and for `send` 16 the origin's pointer, 20 its length, 24 the method's pointer, …
(module
  (memory (export "memory") PAGES)
  (table $table 1 funcref)
  (global $heap (mut i32) (i32.const 65536))
  (data (i32.const 4096) "MANIFEST")

  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    REALLOC)

  (func $bump (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $heap))
    (global.set $heap
      (i32.and (i32.add (i32.add (global.get $heap) (local.get $size)) (i32.const 7)) (i32.const -8)))
    (local.get $at))

  (func (export "ats:adapter/adapter@0.1.0#describe") (result i32)
    (i32.store (i32.const 1024) (i32.const 4096))
    (i32.store (i32.const 1028) (i32.const LENGTH))
    DESCRIBE)

  (func $start (export "ats:adapter/adapter@0.1.0#start") (param $parameters i32) (result i32)
    START)

  (func (export "ats:adapter/adapter@0.1.0#resume") (param $parameters i32) (result i32)
    (unreachable))

  MORE)
