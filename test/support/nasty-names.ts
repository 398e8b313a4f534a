import type { OddName } from './odd-certificate.js';

/** A subject that is made to do harm, and how it has to be printed. `null`: see what the test says of it. */
export interface NastyName {
  readonly what: string;
  readonly subject: OddName;
  readonly oneline: string | null;
  readonly rfc4514: string | null;
  /** Of CN, as it stands in the certificate. */
  readonly commonNames: readonly string[];
}

const cn = (value: string): OddName => [[{ type: 'CN', value }]];

/** SECURITY S28, SPEC §4. */
export const NASTY_NAMES: readonly NastyName[] = [
  {
    what: 'a line end that begins a header and a log line',
    subject: cn('a\r\nBcc: x\n2026-01-01 <= forged'),
    oneline: '/CN=a\\u{d}\\u{a}Bcc: x\\u{a}2026-01-01 <= forged',
    rfc4514: 'CN=a\\0D\\0ABcc: x\\0A2026-01-01 \\<\\= forged',
    commonNames: ['a\r\nBcc: x\n2026-01-01 <= forged'],
  },
  {
    what: 'an escape sequence, NUL, DEL and a C1 control',
    subject: cn('\u001b[2J\0\u007f\u009b31m'),
    oneline: '/CN=\\u{1b}[2J\\u{0}\\u{7f}\\u{9b}31m',
    rfc4514: 'CN=\\1B[2J\\00\\7F\\C2\\9B31m',
    commonNames: ['\u001b[2J\0\u007f\u009b31m'],
  },
  {
    what: 'a slash that reads as a further part',
    subject: [[{ type: 'O', value: 'x/CN=admin' }]],
    oneline: '/O=x\\/CN=admin',
    rfc4514: 'O=x/CN\\=admin',
    commonNames: [],
  },
  {
    what: 'a comma, a plus and a semicolon that read as further parts',
    subject: cn('x,CN=admin + CN=root;CN=a'),
    oneline: '/CN=x,CN=admin + CN=root;CN=a',
    rfc4514: 'CN=x\\,CN\\=admin \\+ CN\\=root\\;CN\\=a',
    commonNames: ['x,CN=admin + CN=root;CN=a'],
  },
  {
    what: 'quotes and backslashes that end the quotes of a log line',
    subject: cn('x" CV=yes DN="/CN=admin\\" \\'),
    oneline: '/CN=x\\" CV=yes DN=\\"\\/CN=admin\\\\\\" \\\\',
    rfc4514: 'CN=x\\" CV\\=yes DN\\=\\"/CN\\=admin\\\\\\" \\\\',
    commonNames: ['x" CV=yes DN="/CN=admin\\" \\'],
  },
  {
    what: 'several attributes in one part, the first ends in a backslash',
    subject: [
      [
        { type: 'OU', value: 'Mail\\' },
        { type: 'UID', value: '42' },
      ],
      [{ type: 'CN', value: 'client one' }],
    ],
    oneline: '/OU=Mail\\\\+UID=42/CN=client one',
    rfc4514: 'CN=client one,OU=Mail\\\\+UID=42',
    commonNames: ['client one'],
  },
  {
    what: 'letters of many scripts',
    subject: cn('Zoë Ελληνικά 日本語 العربية 😀'),
    oneline: '/CN=Zoë Ελληνικά 日本語 العربية 😀',
    rfc4514: 'CN=Zoë Ελληνικά 日本語 العربية 😀',
    commonNames: ['Zoë Ελληνικά 日本語 العربية 😀'],
  },
  {
    what: 'the same in other kinds of string',
    subject: [
      [{ type: 'O', value: 'ö日\n', as: 'bmpString' }],
      [{ type: 'OU', value: 'a\u001bb', as: 'printableString' }],
    ],
    oneline: '/O=ö日\\u{a}/OU=a\\u{1b}b',
    rfc4514: 'OU=a\\1Bb,O=ö日\\0A',
    commonNames: [],
  },
  {
    what: 'bidi overrides, zero-width characters and line separators',
    subject: cn('\u202egro.elpmaxe\u2066\u200b\u200d\ufeff\u2028\u2029'),
    oneline: '/CN=\\u{202e}gro.elpmaxe\\u{2066}\\u{200b}\\u{200d}\\u{feff}\\u{2028}\\u{2029}',
    rfc4514: 'CN=\\E2\\80\\AEgro.elpmaxe\\E2\\81\\A6\\E2\\80\\8B\\E2\\80\\8D\\EF\\BB\\BF\\E2\\80\\A8\\E2\\80\\A9',
    commonNames: ['\u202egro.elpmaxe\u2066\u200b\u200d\ufeff\u2028\u2029'],
  },
  {
    what: 'spaces and a number sign at the edges',
    subject: cn(' #x '),
    oneline: '/CN= #x ',
    rfc4514: 'CN=\\ #x\\ ',
    commonNames: [' #x '],
  },
  {
    what: 'an attribute without a name of its own',
    subject: [[{ type: '1.2.3.4', value: 'v\n' }]],
    oneline: '/1.2.3.4=v\\u{a}',
    rfc4514: '1.2.3.4=v\\0A',
    commonNames: [],
  },
  { what: 'no part at all', subject: [], oneline: '', rfc4514: '', commonNames: [] },
  { what: 'an empty value', subject: cn(''), oneline: '/CN=', rfc4514: 'CN=', commonNames: [''] },
  {
    what: 'two hundred parts',
    subject: Array.from({ length: 200 }, (_, at) => [{ type: 'OU', value: `${'x'.repeat(60)}\n${at}` }]),
    oneline: null,
    rfc4514: null,
    commonNames: [],
  },
];
