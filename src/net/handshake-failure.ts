import { TlsSmtpError } from '../errors.js';
import { certificateProblem } from './certificate-problem.js';

/** Why a handshake failed, in one word that is the same on every Node version. */
export type HandshakeFailure =
  | 'not-tls'
  | 'protocol-version'
  | 'no-shared-cipher'
  | 'no-application-protocol'
  | 'peer-certificate'
  | 'our-certificate-refused'
  | 'peer-closed'
  | 'peer-alert'
  | 'other';

const WORDS: Readonly<Record<HandshakeFailure, string>> = {
  'not-tls': 'the peer sent something that is not TLS',
  'protocol-version': 'no TLS version that both sides allow',
  'no-shared-cipher': 'no cipher suite that both sides allow',
  'no-application-protocol': 'the peer speaks another application protocol (ALPN)',
  'peer-certificate': "the peer's certificate was not acceptable",
  'our-certificate-refused': 'the peer did not accept our certificate',
  'peer-closed': 'the peer closed the connection during the handshake',
  'peer-alert': 'the peer broke off with an alert',
  other: 'the handshake failed',
};

/** Node's and OpenSSL's names differ between versions; what they have in common is matched, in this order. */
const PATTERNS: readonly (readonly [RegExp, HandshakeFailure])[] = [
  [/^E(TIMEDOUT|HOSTUNREACH|NETUNREACH)$/, 'peer-closed'],
  // Alerts of RFC 6066 that OpenSSL names like errors of its own.
  [/TLSV1_(UNSUPPORTED_EXTENSION|UNRECOGNIZED_NAME|CERTIFICATE_UNOBTAINABLE|BAD_CERTIFICATE_\w+)/, 'peer-alert'],
  [/ALERT_(DECODE_ERROR|DECRYPT_ERROR|UNEXPECTED_MESSAGE|BAD_RECORD_MAC|ILLEGAL_PARAMETER)/, 'peer-alert'],
  [/^(ECONNRESET|EPIPE|ECONNABORTED|ERR_STREAM_PREMATURE_CLOSE)$/, 'peer-closed'],
  [
    /WRONG_VERSION_NUMBER|HTTP_REQUEST|HTTPS_PROXY_REQUEST|PACKET_LENGTH|RECORD_TOO_SMALL|UNEXPECTED_MESSAGE/,
    'not-tls',
  ],
  [/BAD_RECORD_TYPE|BAD_LENGTH|LENGTH_MISMATCH|DECODE|BAD_DIGEST|BAD_EXTENSION|DATA_LENGTH_TOO_LONG/, 'not-tls'],
  [/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|VERSION_TOO_LOW/, 'protocol-version'],
  [
    /NO_SHARED_CIPHER|NO_CIPHERS|CIPHER_NOT_ALLOWED|NO_SUITABLE_SIGNATURE|NO_SUITABLE_KEY_SHARE|NO_SHARED_GROUP/,
    'no-shared-cipher',
  ],
  [/NO_APPLICATION_PROTOCOL/, 'no-application-protocol'],
  [/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE|UNSUPPORTED_CERTIFICATE|NO_CERTIFICATE)/, 'our-certificate-refused'],
  [/PEER_DID_NOT_RETURN|CERT|ISSUER|SELF_SIGNED|SIGNATURE/, 'peer-certificate'],
  [/ALERT/, 'peer-alert'],
];

/** Sorts a code such as `ERR_SSL_NO_SHARED_CIPHER` (Node 20 to 26). */
export function classify(code: string): HandshakeFailure {
  return PATTERNS.find(([pattern]) => pattern.test(code))?.[1] ?? 'other';
}

/** A handshake that did not come to its end. The connection is closed and nothing was said in clear. */
export class HandshakeFailedError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_HANDSHAKE_FAILED' as const;
  readonly phase = 'handshake' as const;
  readonly fault: 'peer' | 'network';
  readonly temporary: boolean;
  readonly reason: HandshakeFailure;
  /** Node's code, which may differ between versions: for logs. */
  readonly nodeCode: string;

  /** @param cause - Node's error; or what is wrong with the peer's `certificate`, by its code */
  constructor(cause: unknown) {
    const { code: given, certificate } = (cause ?? {}) as { code?: unknown; certificate?: unknown };
    const nodeCode = typeof given === 'string' && /^\w[\w/-]{0,99}$/.test(given) ? given : 'no code';
    const reason = certificate === true ? 'peer-certificate' : classify(nodeCode);
    const problem = reason === 'peer-certificate' ? certificateProblem(nodeCode) : null;
    super(`TLS handshake: ${WORDS[reason]}${problem === null ? '' : `: ${problem}`} (${nodeCode})`);
    this.reason = reason;
    this.nodeCode = nodeCode;
    this.fault = reason === 'peer-closed' ? 'network' : 'peer';
    this.temporary = reason === 'peer-closed';
  }
}

/** The peer did not finish the handshake in time. */
export class HandshakeTimeoutError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_HANDSHAKE_TIMEOUT' as const;
  readonly phase = 'handshake' as const;
  readonly fault = 'peer' as const;
  readonly temporary = true;
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super(`TLS handshake: not finished within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}
