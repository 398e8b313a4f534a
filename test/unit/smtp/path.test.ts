import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAscii, isDomainName, parsePath } from '../../../src/smtp/path.js';

const from = (text: string): string | null => parsePath('FROM', text)?.address ?? null;

describe('parsePath (RFC 5321 §4.1.2)', () => {
  it('takes the forms of the field', () => {
    const forms = [
      'FROM:<a@x.test>',
      'from: <a@x.test>',
      'FROM:<>',
      'FROM:<@r.test,@s.test:a@x.test>',
      'FROM:<"a>b"@x.test>',
      'FROM:<a@[192.0.2.1]>',
    ];
    assert.deepEqual(forms.map(from), ['a@x.test', 'a@x.test', '', 'a@x.test', '"a>b"@x.test', 'a@[192.0.2.1]']);
    assert.equal(parsePath('TO', 'TO:<postmaster>')?.address, 'postmaster');
  });

  it('refuses what two readers could take for two things', () => {
    const bad = [
      'FROM:a@x.test',
      'FROM:<a@x.test',
      'FROM:<a>',
      'FROM:<a b@x.test>',
      'FROM:<a@x.test>x',
      'FROM:<a@x..>',
      'FROM <a@x.test>',
      'FROM:<a@x.test> SIZE=1 size=2',
      `FROM:<${'a'.repeat(600)}@x.test>`,
    ];
    assert.deepEqual(
      bad.map((text) => parsePath('FROM', text)),
      Array(bad.length).fill(null),
    );
  });

  it('reads parameters, keywords in upper case (§4.1.1.11)', () => {
    assert.deepEqual(
      { ...parsePath('FROM', 'FROM:<a@x.test>  size=10 Body=8BITMIME SMTPUTF8')?.parameters },
      { SIZE: '10', BODY: '8BITMIME', SMTPUTF8: true },
    );
  });

  it('refuses parameters that are none (§4.1.1.11)', () => {
    const bad = ['SIZE=', 'SIZE==1', '=1', '-A', 'A_B', '__proto__', 'A=\xe9', 'SIZE=1 size=2', 'SIZE=1\t'];
    assert.deepEqual(
      bad.map((one) => parsePath('FROM', `FROM:<a@x.test> ${one}`)),
      Array(bad.length).fill(null),
    );
  });

  it('takes a path up to twice the 256 octets of §4.5.3.1.3, brackets included, and no longer one', () => {
    const path = (octets: number): string => `<${'a'.repeat(octets - 9)}@x.test>`;
    const taken = [256, 512, 514].map((octets) => from(`FROM:${path(octets)}`)?.length ?? null);
    assert.deepEqual(taken, [254, 510, null]);
  });

  it('takes the null path for a sender alone (§4.5.5), a bare postmaster for a recipient alone (§4.1.1.3)', () => {
    const told = (keyword: 'FROM' | 'TO', path: string): string | undefined =>
      parsePath(keyword, `${keyword}:${path}`)?.address;
    assert.deepEqual(
      [
        told('FROM', '<>'),
        told('TO', '<>'),
        told('TO', '<PostMaster>'),
        told('FROM', '<postmaster>'),
        told('TO', '<a>'),
      ],
      ['', undefined, 'PostMaster', undefined, undefined],
    );
  });

  it('reads a quoted local part to its true end, backslash and all (§4.1.2 Quoted-string)', () => {
    const forms = ['<"a\\"b"@x.test>', '<"a@b"@x.test>', '<"a\\\\"@x.test>', '<"a\\"@x.test>', '<"a"b"@x.test>'];
    assert.deepEqual(
      forms.map((one) => from(`FROM:${one}`)),
      ['"a\\"b"@x.test', '"a@b"@x.test', '"a\\\\"@x.test', null, null],
    );
  });

  it('takes no two quoted strings for one: another reader sees two addresses (§4.1.2 Quoted-string)', () => {
    const forms = ['<"a"@y.test,"b"@x.test>', '<"a"@y.test"b"@x.test>', '<"a" "b"@x.test>'];
    assert.deepEqual(
      forms.map((one) => from(`FROM:${one}`)),
      [null, null, null],
    );
  });

  it('takes no source route for a path of its own: a mailbox must follow it (§4.1.2 Path)', () => {
    assert.deepEqual(
      ['<@r.test:>', '<@r.test>', '<@r.test:a>'].map((one) => from(`FROM:${one}`)),
      [null, null, null],
    );
  });

  it('takes domains of whole labels alone: up to 63 octets each, 255 in all, hyphens inside them (§4.1.2 Domain)', () => {
    const long = Array(5).fill('a'.repeat(50)).join('.'); // 254 octets
    const good = [
      'x',
      'x.test',
      'X-1.test',
      '_dmarc.x_y.test',
      'xn--p1ai',
      '1.2',
      `${'a'.repeat(63)}.test`,
      `${long}b`,
    ];
    assert.deepEqual(
      good.map((domain) => from(`FROM:<a@${domain}>`)),
      good.map((domain) => `a@${domain}`),
    );
    const bad = [
      ...['x..y', '.x', 'x.', 'x..', '.', '-x.test', 'x-.test', 'x.-', 'x.test-', 'x$.test'],
      ...[`${'a'.repeat(64)}.test`, `${long}bc`],
    ];
    assert.deepEqual(
      bad.map((domain) => from(`FROM:<a@${domain}>`)),
      Array(bad.length).fill(null),
    );
  });

  it('takes address literals as they stand (§4.1.3)', () => {
    const forms = ['a@[192.0.2.1]', 'a@[IPv6:2001:db8::1]', 'a@[tag:x..y]', 'a@[]', 'a@[1.2.3.4', 'a@[a]b', 'a@[a[b]'];
    assert.deepEqual(
      forms.map((one) => from(`FROM:<${one}>`)),
      [...forms.slice(0, 3), null, null, null, null],
    );
  });

  it('takes no control character, quoted or not, and leaves octets above 127 to the application', () => {
    const forms = ['a\x01', 'a\x7f', '"a\x1b"', '"\\\0"', 'a\xe9'];
    assert.deepEqual(
      forms.map((one) => from(`FROM:<${one}@x.test>`)),
      [null, null, null, null, 'a\xe9@x.test'],
    );
  });
});

describe('parsePath, addresses in Unicode (RFC 6531 §3.3)', () => {
  const to = (address: string): string | undefined => parsePath('TO', `TO:<${address}>`)?.address;

  it('takes letters of any script, in the local part, in a quoted one and as U-labels beside others', () => {
    const good = [
      'δοκιμή@παράδειγμα.δοκιμή',
      '"ü ü"@x.test',
      '用户@例子.广告',
      'a@bücher.xn--bcher-kva.X-1',
      'a@faß.test',
      'a@BÜCHER.test',
      'a@اختبار.test',
    ];
    assert.deepEqual(good.map(to), good);
  });

  it('takes no label that a reader could take for another: not normal, mapped, or no U-label (RFC 5890 §2.3.2.1)', () => {
    const bad = [
      'u\u0308',
      'ﬀ',
      'ª',
      'a。b',
      '-ü',
      'ü-',
      '%41ü',
      'ü/x',
      'ü:80',
      'ü..x',
      '.ü',
      'ü.',
      '\u0300ü',
      'ü\u00a0',
    ];
    assert.deepEqual(
      bad.map((domain) => to(`a@${domain}`)),
      bad.map(() => undefined),
    );
    assert.equal(to(`a@${'ü'.repeat(60)}.test`), undefined); // its A-label is too long
  });

  it('takes no space of any script outside quotes', () => {
    for (const space of ['\u00a0', '\u3000', '\u2003']) assert.equal(to(`a${space}b@x.test`), undefined);
  });
});

describe('isAscii', () => {
  it('tells', () => {
    assert.deepEqual(['', 'a\x7f', '\x80', 'ü'].map(isAscii), [true, true, false, false]);
  });
});

describe('isDomainName', () => {
  it('takes names and no literals', () => {
    const texts = ['mx.test', 'localhost', 'mx.test.', '[192.0.2.1]', '', 'a b', 'mx.test\n', 'bücher.test'];
    assert.deepEqual(texts.map(isDomainName), [true, true, false, false, false, false, false, false]);
  });
});
