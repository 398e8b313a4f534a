import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readProxyHeader } from '../../../src/net/proxy-header.js';
import { forClient, version2 } from '../../support/proxy-headers.js';

function read(text: string | Buffer): ReturnType<typeof readProxyHeader> {
  return readProxyHeader(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
}

const LINE = 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n';
const OF_LINE = { address: '192.0.2.1', port: 56_324, localAddress: '198.51.100.1', localPort: 25 };

describe('readProxyHeader, version 1 (proxy-protocol.txt §2.1)', () => {
  it('reads both addresses and ports, and says where the client begins', () => {
    assert.deepEqual(read(`${LINE}EHLO x\r\n`), { octets: LINE.length, peer: OF_LINE });
    const line = 'PROXY TCP6 2001:DB8:0:0::1 ::1 1 65535\r\n';
    assert.deepEqual(read(line), {
      octets: line.length,
      peer: { address: '2001:db8::1', port: 1, localAddress: '::1', localPort: 65_535 },
    });
  });

  it('reads an IPv6 address that is written out with IPv4 at its end', () => {
    const line = 'PROXY TCP6 000:0000:0000:0000:0000:0000:100.10.100.100 :: 7 1\r\n';
    assert.deepEqual(read(line), {
      octets: line.length,
      peer: { address: '::100.10.100.100', port: 7, localAddress: '::', localPort: 1 },
    });
  });

  it('gives a mapped address as IPv4, and a port of 0 as none', () => {
    assert.deepEqual(read('PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6401 0 0\r\n'), {
      octets: 50,
      peer: { address: '192.0.2.1', localAddress: '198.51.100.1' },
    });
  });

  it('keeps the real peer for UNKNOWN, whatever follows it', () => {
    for (const line of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff::1 anything 1 2\r\n']) {
      assert.deepEqual(read(line), { octets: line.length, peer: null });
    }
  });

  it('wants the longest line that can be, and not an octet more', () => {
    const longest = `PROXY UNKNOWN ${'x'.repeat(107 - 16)}\r\n`;
    assert.equal(longest.length, 107);
    assert.deepEqual(read(longest), { octets: 107, peer: null });
    assert.equal(read(longest.replace('x', 'xx')), 'its line is too long');
    assert.equal(read('PROXY '.padEnd(106, 'x')), 'more');
    assert.equal(read('PROXY '.padEnd(107, 'x')), 'its line is too long');
  });

  const MALFORMED = [
    'PROXY \r\n',
    'PROXY TCP4\r\n',
    'PROXY UNKNOWNS\r\n',
    'PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n',
    'PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n',
    'PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n',
    'PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n',
    'PROXY TCP4 ::1 ::1 1 2\r\n',
    'PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 -1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 1 2\nEHLO x\r\n',
    'PROXY TCP4 192.0.2.1\0 198.51.100.1 1 2\r\n',
  ];
  for (const line of MALFORMED) {
    it(`refuses ${JSON.stringify(line)}`, () => assert.equal(read(line), 'its line is malformed'));
  }

  for (const text of ['EHLO x\r\n', 'proxy TCP4 ', 'PROXX', 'PROXY\t', 'P ', '\x16\x03\x01', '\r\n\r\n\0\r\nQUIT\r']) {
    it(`says of ${JSON.stringify(text)} that it is none, as soon as that is certain`, () => {
      assert.equal(read(text), 'it is no PROXY header');
    });
  }
});

describe('readProxyHeader, version 2 (proxy-protocol.txt §2.2)', () => {
  it('reads both addresses and ports, and passes over what stands behind them', () => {
    const tlvs = Buffer.from([0x04, 0, 3, 1, 2, 3]);
    const header = forClient(['192.0.2.1', 56_324], ['198.51.100.1', 25], tlvs);
    assert.deepEqual(read(Buffer.concat([header, Buffer.from('EHLO')])), { octets: header.length, peer: OF_LINE });
    const six = forClient(['2001:db8:0:0:0:0:0:1', 1], ['2001:db8:0:0:0:0:0:2', 465]);
    assert.deepEqual(read(six), {
      octets: 52,
      peer: { address: '2001:db8::1', port: 1, localAddress: '2001:db8::2', localPort: 465 },
    });
    const mapped = forClient(['0:0:0:0:0:ffff:c000:0201', 1], ['0:0:0:0:0:ffff:c633:6401', 2]);
    assert.deepEqual(read(mapped), {
      octets: 52,
      peer: { address: '192.0.2.1', port: 1, localAddress: '198.51.100.1', localPort: 2 },
    });
  });

  it('keeps the real peer for LOCAL, whatever addresses are said', () => {
    const addresses = forClient(['192.0.2.1', 1], ['198.51.100.1', 2]).subarray(16);
    for (const header of [
      version2({ command: 0, family: 0, rest: Buffer.alloc(0) }),
      version2({ command: 0, rest: addresses }),
      version2({ command: 0, rest: Buffer.alloc(3) }),
    ]) {
      assert.deepEqual(read(header), { octets: header.length, peer: null });
    }
  });

  it('keeps the real peer for UNSPEC, for UNIX sockets and for datagrams', () => {
    for (const [family, size] of [
      [0x00, 0],
      [0x01, 7],
      [0x12, 12],
      [0x22, 36],
      [0x31, 216],
      [0x32, 216],
    ] as const) {
      const header = version2({ family, rest: Buffer.alloc(size) });
      assert.deepEqual(read(header), { octets: header.length, peer: null });
    }
  });

  const REFUSED = {
    'another version': [version2({ version: 1 }), 'its version is unknown'],
    'another command': [version2({ command: 2 }), 'its command is unknown'],
    'another family': [version2({ family: 0x41 }), 'its address family is unknown'],
    'another protocol': [version2({ family: 0x13 }), 'its address family is unknown'],
    'fewer octets than INET takes': [version2({ rest: Buffer.alloc(11) }), 'it is too short for its addresses'],
    'fewer than INET6': [version2({ family: 0x21, rest: Buffer.alloc(35) }), 'it is too short for its addresses'],
    'fewer than UNIX': [version2({ family: 0x31, rest: Buffer.alloc(215) }), 'it is too short for its addresses'],
    'more than anybody needs': [version2({ rest: Buffer.alloc(4_097) }).subarray(0, 16), 'it is too long'],
  } as const;
  for (const [what, [header, fault]] of Object.entries(REFUSED)) {
    it(`refuses ${what}, without waiting for the rest`, () => {
      assert.equal(read(header), fault);
      assert.equal(read(header.subarray(0, 16)), fault);
    });
  }

  it('takes the longest that it takes', () => {
    const header = version2({ rest: Buffer.alloc(4_096) });
    assert.deepEqual(read(header), { octets: 4_112, peer: { address: '0.0.0.0', localAddress: '0.0.0.0' } });
  });
});
