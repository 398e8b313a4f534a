import type { SecureContext } from 'node:tls';
import { trustContext } from '../credentials/trust.js';
import { OptionError, TlsSmtpError } from '../errors.js';
import { parsePath } from '../smtp/path.js';
import { Connection } from './connection.js';
import { PeerClosedError } from './errors.js';
import { type MessageSource, OutgoingMessage } from './message-source.js';
import { type SmtpTransportOptions, type TransportSettings, transportSettings } from './options.js';
import { type DeliveryAttempt, type DeliveryResult, type RecipientResult, statusOf } from './result.js';

export interface DeliveryHost {
  /** Who has to be there: a name, or an address (then checked against SAN iPAddress). */
  readonly host: string;
  /** Where to connect, if not to what `host` resolves to. */
  readonly address?: string;
  /** Default 25; 465 for smtps. */
  readonly port?: number;
}

export interface Delivery {
  /** Tried in order, until one takes the message or refuses it for good. */
  readonly hosts: readonly DeliveryHost[];
  readonly envelope: { readonly from: string; readonly to: readonly string[] };
  readonly message: MessageSource;
}

/**
 * Sends mail over TLS: STARTTLS on port 25, or TLS-on-connect as smtps.
 *
 * It never sends a message in clear. What a server does wrong is in the result and not an exception.
 */
export class SmtpTransport {
  readonly #settings: TransportSettings;
  #context: Promise<SecureContext> | null = null;

  /** @throws {OptionError} */
  constructor(options?: SmtpTransportOptions) {
    this.#settings = transportSettings(options);
  }

  /**
   * @returns what became of each recipient, and each attempt with its reason
   * @throws {OptionError} for an envelope that cannot be sent, {@link CredentialError} for trusted certificates that
   *   cannot be read; never for what a server does
   */
  async deliver(delivery: Delivery): Promise<DeliveryResult> {
    const { from, to } = checkedEnvelope(delivery.envelope);
    const context = await this.#loadContext();
    const mustVerify = this.#settings.verifyCertificates !== null;
    const message = new OutgoingMessage(delivery.message);
    const attempts: DeliveryAttempt[] = [];
    for (const host of delivery.hosts) {
      const target = {
        host: host.host,
        address: host.address ?? host.host,
        port: host.port ?? (this.#settings.protocol === 'smtps' ? 465 : 25),
      };
      const connection = new Connection(target, { ...this.#settings, context, mustVerify });
      let recipients: readonly RecipientResult[] | null = null;
      let error: TlsSmtpError | null = null;
      try {
        await connection.open();
        recipients = await connection.send(from, to, message);
        await connection.quit();
      } catch (thrown) {
        error = thrown instanceof TlsSmtpError ? thrown : new PeerClosedError('message');
        recipients = connection.partial; // behind the final dot nobody knows: no further host is tried
        connection.destroy();
      }
      const { tls, remoteAddress } = connection;
      const status = recipients && statusOf(recipients);
      const outcome =
        status === null ? 'next-host' : status === 'delivered' || status === 'partial' ? 'accepted' : status;
      attempts.push({ ...target, address: remoteAddress, security: tls ? 'tls' : 'none', tls, outcome, error });
      if (recipients !== null && status !== null && status !== 'deferred') return { status, recipients, attempts };
    }
    const recipients = to.map((address) => ({ address, status: 'deferred' as const, reply: null }));
    return { status: 'deferred', recipients, attempts };
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #loadContext(): Promise<SecureContext> {
    this.#context ??= trustContext('tls.verifyCertificates', this.#settings.verifyCertificates).catch(
      (error: unknown) => {
        this.#context = null; // the next delivery tries again
        throw error;
      },
    );
    return this.#context;
  }
}

/** @throws {OptionError} for an address that is none: with CR, LF or `>` in it, it is a second command in disguise */
function checkedEnvelope(envelope: Delivery['envelope']): Delivery['envelope'] {
  if (!isAddress('FROM', envelope.from)) throw new OptionError('envelope.from', 'is no mail address in ASCII');
  if (envelope.to.length === 0) throw new OptionError('envelope.to', 'is empty');
  envelope.to.forEach((address, index) => {
    if (!isAddress('TO', address)) throw new OptionError(`envelope.to[${index}]`, 'is no mail address in ASCII');
  });
  return envelope;
}

function isAddress(keyword: 'FROM' | 'TO', address: string): boolean {
  return !/[^ -~]/.test(address) && parsePath(keyword, `${keyword}:<${address}>`)?.address === address;
}
