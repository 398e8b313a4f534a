import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { offeredCapabilities, parseCapabilities, startTlsWasStripped } from '../../../src/smtp/capabilities.js';

describe('capabilities', () => {
  it('of a server: any case, never from the greeting line (RFC 5321 §4.1.1.1)', () => {
    assert.deepEqual(
      [...parseCapabilities(['mx STARTTLS', 'Size 10', 'pipelining', ''])],
      [
        ['SIZE', '10'],
        ['PIPELINING', ''],
      ],
    );
  });

  it('of a server behind a firewall that writes over STARTTLS, and of others', () => {
    const stripped = (...keywords: string[]): boolean => startTlsWasStripped(parseCapabilities(['mx', ...keywords]));
    assert.deepEqual([stripped('SIZE 10', 'XXXXXXXA'), stripped('xxxxxxxa'), stripped('XXXXXXXX')], [true, true, true]);
    assert.deepEqual(
      [stripped('SIZE 10'), stripped('XCLIENT'), stripped('XXXA', 'XXXXXXXXXA'), stripped('STARTTLS', 'XXXXXXXA')],
      [false, false, false, false],
    );
  });

  it('of ours: STARTTLS last but one, hidden ones left out', () => {
    assert.deepEqual(offeredCapabilities(['STARTTLS'], 9, new Set(['PIPELINING', 'SIZE'])), [
      '8BITMIME',
      'SMTPUTF8',
      'CHUNKING',
      'ENHANCEDSTATUSCODES',
      'STARTTLS',
      'HELP',
    ]);
  });

  it('of ours inside TLS: no STARTTLS (RFC 3207 §4.2), the size in octets (RFC 1870 §3)', () => {
    assert.deepEqual(offeredCapabilities([], 1_000, new Set()), [
      'PIPELINING',
      'SIZE 1000',
      '8BITMIME',
      'SMTPUTF8',
      'CHUNKING',
      'ENHANCEDSTATUSCODES',
      'HELP',
    ]);
  });

  it('of a server that offers nothing: none', () => {
    assert.deepEqual([...parseCapabilities(['mx at your service']), ...parseCapabilities([])], []);
  });
});
