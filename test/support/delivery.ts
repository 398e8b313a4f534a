import type { RunningServer } from './with-server.js';

/** The two ways into TLS, as TlsInfo names them. */
export const MODES = ['starttls', 'on-connect'] as const;
export type Mode = (typeof MODES)[number];

export const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
export type Version = (typeof VERSIONS)[number];

/** For real clients: it has the headers that they would add, and dots where a transparent client must stuff them. */
export const MESSAGE: string = [
  'From: Alice <alice@x.test>',
  'To: bob@y.test, carol@y.test',
  'Date: Wed, 25 Nov 2026 10:00:00 +0000',
  'Message-ID: <one@x.test>',
  'Subject: one',
  '',
  'Hello',
  '.',
  '..dots',
  'end',
  '',
].join('\r\n');

/** All that a server can say about the messages that it got, to be compared at once. */
export interface Outcome {
  readonly messages: readonly {
    readonly body: string;
    readonly envelope: readonly [mailFrom: string, ...rcptTo: string[]];
    readonly type: string;
    readonly protocol: string | undefined;
    readonly mode: Mode | undefined;
    readonly sni: string | undefined;
    readonly certificate: string | undefined;
  }[];
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** Why each connection ended. */
  readonly reasons: readonly string[];
  /** Commands but EHLO that came before TLS. */
  readonly inClear: readonly string[];
}

export function outcome(running: RunningServer): Outcome {
  return {
    messages: running.messages.map(({ body, mailFrom, rcptTo, transmissionType, tls }) => ({
      body,
      envelope: [mailFrom, ...rcptTo],
      type: transmissionType,
      protocol: tls?.protocol,
      mode: tls?.mode,
      sni: tls?.sni,
      certificate: tls?.certificate,
    })),
    errors: running.errors.map(({ message }) => olderName(message)),
    warnings: running.warnings,
    reasons: running.reasons.map(olderName),
    inClear: running.seen
      .filter(({ command, encrypted }) => !encrypted && !command.startsWith('EHLO '))
      .map(({ command }) => command),
  };
}

/** The OpenSSL of later Nodes has other names for alerts than that of Node 20. */
function olderName(text: string): string {
  return text.replace('ERR_SSL_SSL/TLS_ALERT_', 'ERR_SSL_SSLV3_ALERT_');
}

/** The outcome where one message, and nothing else, came as it should. */
export function oneDelivery(
  mode: Mode,
  protocol: Version,
  more: { readonly body?: string; readonly rcptTo?: readonly string[]; readonly sni?: string | undefined } = {},
): Outcome {
  const { body = MESSAGE, rcptTo = ['bob@y.test', 'carol@y.test'] } = more;
  const sni = 'sni' in more ? more.sni : 'mx.test';
  const envelope = ['alice@x.test', ...rcptTo] as const;
  return {
    messages: [{ body, envelope, type: 'ESMTPS', protocol, mode, sni, certificate: 'none' }],
    errors: [],
    warnings: [],
    reasons: ['the client said QUIT'],
    inClear: [],
  };
}

export function portOf(running: RunningServer, mode: Mode): number {
  return mode === 'starttls' ? running.port : running.tlsPort;
}
