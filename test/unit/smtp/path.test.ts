import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePath } from '../../../src/smtp/path.js';

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
});
