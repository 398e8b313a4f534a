import { CredentialStore } from '../credentials/credential-store.js';
import { emptyContext, secureContextOf } from '../credentials/secure-context.js';
import { TlsSmtpError } from '../errors.js';
import { Connection } from './connection.js';
import { type CheckedDelivery, checkedDelivery, type Delivery, type Target } from './delivery.js';
import { AbortError, MessageNotReplayableError, MessageSourceError } from './errors.js';
import { SourceFailure } from './message-source.js';
import { type SmtpTransportOptions, type TransportSettings, transportSettings } from './options.js';
import { type DeliveryAttempt, type DeliveryResult, merged, outcomeOf, statusOf, untried } from './result.js';

/**
 * Sends mail over TLS: STARTTLS on port 25, or TLS-on-connect as smtps.
 *
 * It never sends a message in clear. What a server does wrong is in the result and not an exception.
 */
export class SmtpTransport {
  readonly #settings: TransportSettings;
  readonly #credentials: CredentialStore;

  /** @throws {OptionError} */
  constructor(options?: SmtpTransportOptions) {
    this.#settings = transportSettings(options);
    const { verifyCertificates } = this.#settings;
    this.#credentials = new CredentialStore(verifyCertificates === null ? {} : { verifyCertificates });
  }

  /**
   * Delivers one message: to the first host, and what it defers to the next.
   *
   * It returns for whatever servers and the network do, a result for each recipient and each attempt with its reason. It
   * rejects for what the calling program does. A message stream that fails is such a case, as users of nodemailer know
   * it: the connection is cut without a final dot, so that nothing of it is accepted, and no further host is tried.
   *
   * @returns what became of each recipient, and each attempt
   * @throws {OptionError} for a delivery that cannot be meant: no mail address, no host, no message
   * @throws {CredentialError} for trusted certificates that cannot be read
   * @throws {MessageSourceError} with the result so far, where the message's stream fails, or gives no octets
   * @throws {AbortError} with the result so far, where `signal` is aborted before all is settled; who was `delivered` by
   *   then is, and who is `unknown` may be
   */
  async deliver(delivery: Delivery): Promise<DeliveryResult> {
    const checked = checkedDelivery(delivery, this.#settings.protocol === 'smtps' ? 465 : 25);
    try {
      if (this.#mustVerify) await this.#credentials.check();
      return await this.#tryHosts(checked);
    } finally {
      checked.message.release();
    }
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #tryHosts({ targets, to, ...delivery }: CheckedDelivery): Promise<DeliveryResult> {
    const { message, signal } = delivery;
    const attempts: DeliveryAttempt[] = [];
    let recipients = to.map(untried);
    const result = (): DeliveryResult => ({ status: statusOf(recipients), recipients, attempts });
    for (const target of targets) {
      if (signal?.aborted) throw new AbortError(result(), signal.reason);
      const due = recipients.filter((one) => one.status === 'deferred').map((one) => one.address);
      if (due.length === 0) break;
      if (!message.fresh) {
        attempts.push(withoutConnection(target, new MessageNotReplayableError()));
        break;
      }
      const connection = await this.#connection(target);
      const thrown = await attempt(connection, { ...delivery, to: due });
      const error = thrown instanceof TlsSmtpError && !signal?.aborted ? thrown : null;
      const { tls, results, remoteAddress: address } = connection;
      const outcome = outcomeOf(results, error);
      attempts.push({ ...target, address, security: tls ? 'tls' : 'none', tls, outcome, error });
      recipients = merged(recipients, results);
      if (thrown !== null && signal?.aborted) throw new AbortError(result(), signal.reason);
      if (thrown instanceof SourceFailure) throw new MessageSourceError(result(), thrown.cause);
      if (thrown !== null && error === null) throw thrown; // no peer does that: a bug is not dressed up as one's doing
      if (outcome === 'unknown') break; // a further host might deliver it twice
    }
    return result();
  }

  get #mustVerify(): boolean {
    return this.#settings.verifyCertificates !== null;
  }

  async #connection(target: Target): Promise<Connection> {
    const { host, address: hostAddress, port } = target;
    const credentials = await this.#credentials.resolve({ host, hostAddress, port });
    const context = credentials === null ? emptyContext() : secureContextOf(credentials);
    return new Connection(target, { ...this.#settings, context, mustVerify: this.#mustVerify });
  }
}

/** One connection from its beginning to its end. @returns what it threw; `null` where the server had the last word */
async function attempt(
  connection: Connection,
  { from, to, message, signal }: Omit<CheckedDelivery, 'targets'>,
): Promise<unknown> {
  const cut = (): void => connection.destroy();
  signal?.addEventListener('abort', cut, { once: true });
  try {
    await connection.open();
    await connection.send(from, to, message);
    await connection.quit();
    return null;
  } catch (thrown) {
    connection.destroy();
    return thrown;
  } finally {
    message.abandon();
    signal?.removeEventListener('abort', cut);
  }
}

function withoutConnection({ host, address, port }: Target, error: TlsSmtpError): DeliveryAttempt {
  return { host, address, port, security: 'none', tls: null, outcome: 'deferred', error };
}
