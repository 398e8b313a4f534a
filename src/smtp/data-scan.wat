;; Undoes dot-stuffing in a DATA body, finds its end, and notices CR and LF that stand alone (RFC 5321 §4.5.2, §2.3.8).
;; What is kept moves up into the place of what is dropped: the octets that were scanned are used up.
;; data-scan.ts holds the assembled form; its test assembles this text and compares.
;;
;; Memory   0        the state, in and out
;;          1        1 where a CR or LF stood alone; only ever set
;;          2        1 where a stuffed dot was dropped; otherwise what is kept stands as it stood
;;          4        where what is kept ends, in the former case
;;          8 + s    an octet that reads like state s, to stand before the first
;;          16       where what is kept begins: at $start, or the octet before, for a CR of an earlier chunk
;;          64       octets that are copied here to be scanned, up to 64 KiB
;;          65664    octets that are received here, up to 64 KiB; they are scanned where they stand
;; States   0 within a line, 1 behind CR, 2 at the start of a line, 3 behind a dot that begins a line,
;;          4 behind that dot and a CR, 5 behind CRLF.CRLF, the end
(module
  (memory (export "memory") 3)
  (data (i32.const 8) "x\0d\0a")

  ;; Scans from $start to $end, and writes to these octets and the one before. Returns where it stopped: at $end, or behind the end
  ;; of the body.
  (func (export "scan") (param $start i32) (param $end i32) (result i32)
    (local $at i32) (local $from i32) (local $begin i32) (local $out i32) (local $state i32) (local $octet i32)
    (local $dropped i32) (local $suspects v128) (local $crs v128) (local $lfs v128) (local $dots v128)
    (local.set $crs (i8x16.splat (i32.const 0x0d)))
    (local.set $lfs (i8x16.splat (i32.const 0x0a)))
    (local.set $dots (i8x16.splat (i32.const 0x2e)))
    (local.set $at (local.get $start))
    (local.set $state (i32.load8_u (i32.const 0)))
    (i32.store8 (i32.sub (local.get $start) (i32.const 1)) (i32.load8_u offset=8 (local.get $state)))
    (block $done
      (loop $next
        (if (i32.lt_u (local.get $state) (i32.const 3)) (then
          ;; Many at a time, up to the first suspect: a CR or LF without the other, or a dot behind LF.
          (local.set $from (local.get $at))
          (block $suspect
            (block $fewer
              (loop $more
                (br_if $fewer (i32.gt_u (i32.add (local.get $at) (i32.const 32)) (local.get $end)))
                (br_if $fewer (v128.any_true (v128.or
                  (v128.or
                    (v128.xor (i8x16.eq (v128.load (i32.sub (local.get $at) (i32.const 1))) (local.get $crs)) (i8x16.eq (v128.load (local.get $at)) (local.get $lfs)))
                    (v128.and (i8x16.eq (v128.load (i32.sub (local.get $at) (i32.const 1))) (local.get $lfs)) (i8x16.eq (v128.load (local.get $at)) (local.get $dots))))
                  (v128.or
                    (v128.xor (i8x16.eq (v128.load offset=16 (i32.sub (local.get $at) (i32.const 1))) (local.get $crs)) (i8x16.eq (v128.load offset=16 (local.get $at)) (local.get $lfs)))
                    (v128.and (i8x16.eq (v128.load offset=16 (i32.sub (local.get $at) (i32.const 1))) (local.get $lfs)) (i8x16.eq (v128.load offset=16 (local.get $at)) (local.get $dots)))))))
                (if (local.get $dropped) (then ;; $out never is beyond $at: what is written to was read
                  (v128.store (local.get $out) (v128.load (local.get $at)))
                  (v128.store offset=16 (local.get $out) (v128.load offset=16 (local.get $at)))))
                (local.set $at (i32.add (local.get $at) (i32.const 32)))
                (local.set $out (i32.add (local.get $out) (i32.const 32)))
                (br $more)))
            (loop $blocks
              (br_if $suspect (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
              (local.set $suspects (v128.or
                (v128.xor (i8x16.eq (v128.load (i32.sub (local.get $at) (i32.const 1))) (local.get $crs)) (i8x16.eq (v128.load (local.get $at)) (local.get $lfs)))
                (v128.and (i8x16.eq (v128.load (i32.sub (local.get $at) (i32.const 1))) (local.get $lfs)) (i8x16.eq (v128.load (local.get $at)) (local.get $dots)))))
              (if (v128.any_true (local.get $suspects)) (then
                (local.set $octet (i32.ctz (i8x16.bitmask (local.get $suspects))))
                (if (local.get $dropped) (then (memory.copy (local.get $out) (local.get $at) (local.get $octet))))
                (local.set $at (i32.add (local.get $at) (local.get $octet)))
                (local.set $out (i32.add (local.get $out) (local.get $octet)))
                (br $suspect)))
              (if (local.get $dropped) (then (v128.store (local.get $out) (v128.load (local.get $at)))))
              (local.set $at (i32.add (local.get $at) (i32.const 16)))
              (local.set $out (i32.add (local.get $out) (i32.const 16)))
              (br $blocks)))
          (if (i32.ne (local.get $at) (local.get $from)) (then
            (local.set $octet (i32.load8_u (i32.sub (local.get $at) (i32.const 1))))
            (local.set $state (i32.or
              (i32.eq (local.get $octet) (i32.const 0x0d))
              (i32.shl (i32.eq (local.get $octet) (i32.const 0x0a)) (i32.const 1))))))))
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))

        ;; Then one, looked at closely.
        (local.set $octet (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (if (i32.and (i32.eq (local.get $state) (i32.const 2)) (i32.eq (local.get $octet) (i32.const 0x2e))) (then
          (local.set $state (i32.const 3))
          (br $next)))
        (if (i32.and (i32.eq (local.get $state) (i32.const 3)) (i32.eq (local.get $octet) (i32.const 0x0d))) (then
          (local.set $state (i32.const 4))
          (br $next)))
        (if (i32.and (i32.eq (local.get $state) (i32.const 4)) (i32.eq (local.get $octet) (i32.const 0x0a))) (then
          (local.set $state (i32.const 5))
          (br $done)))
        (if (i32.ge_u (local.get $state) (i32.const 3)) (then ;; the dot was stuffed: it is dropped
          (if (i32.eqz (local.get $dropped)) (then
            (local.set $dropped (i32.const 1))
            (local.set $out (i32.sub (i32.add (local.get $at) (i32.const 1)) (local.get $state))) ;; where the dot stood,
            (if (i32.lt_u (local.get $out) (local.get $start)) (then ;; or in an earlier chunk, and with it perhaps a CR
              (local.set $out (i32.sub (local.get $at) (i32.sub (local.get $state) (i32.const 2))))))
            (local.set $begin (select (local.get $out) (local.get $start) (i32.lt_u (local.get $out) (local.get $start))))))
          (if (i32.eq (local.get $state) (i32.const 4)) (then ;; and what stood behind it was a CR alone
            (i32.store8 (i32.const 1) (i32.const 1))
            (i32.store8 (local.get $out) (i32.const 0x0d))
            (local.set $out (i32.add (local.get $out) (i32.const 1)))))
          (local.set $state (i32.const 0))))
        (if (i32.ne (i32.eq (local.get $state) (i32.const 1)) (i32.eq (local.get $octet) (i32.const 0x0a))) (then
          (i32.store8 (i32.const 1) (i32.const 1))))
        (local.set $state (i32.or
          (i32.eq (local.get $octet) (i32.const 0x0d))
          (i32.shl
            (i32.and (i32.eq (local.get $state) (i32.const 1)) (i32.eq (local.get $octet) (i32.const 0x0a)))
            (i32.const 1))))
        (if (local.get $dropped) (then (i32.store8 (local.get $out) (local.get $octet))))
        (local.set $out (i32.add (local.get $out) (i32.const 1)))
        (br $next)))
    (i32.store8 (i32.const 0) (local.get $state))
    (i32.store8 (i32.const 2) (local.get $dropped))
    (i32.store (i32.const 4) (local.get $out))
    (i32.store (i32.const 16) (local.get $begin))
    (local.get $at)))
