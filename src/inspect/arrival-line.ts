import { type LoggedTls, type LogSelectors, logFields } from './log-fields.js';
import { printable } from './printable.js';

/** What a log line tells of one message that has come in. Everything but the octets is the peer's word. */
export interface Arrival {
  /** Empty for the null reverse-path. */
  readonly sender: string;
  readonly heloName: string;
  readonly peerAddress?: string;
  readonly transmissionType: string;
  readonly tls?: LoggedTls;
  /** Who has authenticated, and how. */
  readonly authenticated?: { readonly method: string; readonly user: string };
  readonly octets: number;
}

/** A path has at most 512 characters here (smtp/path), a name of a client 255. */
const MAX_FIELD = 520;

/**
 * A line of Exim's main log: `<= a@x.test H=(client.test) [192.0.2.1] P=esmtpsa X=… CV=no A=plain:alice S=1234`.
 *
 * Fields are told apart by spaces alone. Those in a peer's text stand as `\u{20}`, and so no text makes a field.
 *
 * @param selectors - for the fields of TLS, as in `TlsInfo.logFields()`
 * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for a selector that is unknown
 * @see Exim, "Log files", "Logging message reception"
 */
export function arrivalLine(arrival: Arrival, selectors?: LogSelectors): string {
  const { sender, peerAddress, tls, authenticated } = arrival;
  const fields = [
    `<= ${sender === '' ? '<>' : field(sender)}`,
    `H=(${field(arrival.heloName)})${peerAddress === undefined ? '' : ` [${field(peerAddress)}]`}`,
    `P=${field(arrival.transmissionType.toLowerCase())}`,
    tls === undefined ? '' : logFields(tls, selectors),
    authenticated === undefined ? '' : `A=${field(authenticated.method.toLowerCase())}:${field(authenticated.user)}`,
    `S=${arrival.octets}`,
  ];
  return fields.filter((one) => one !== '').join(' ');
}

function field(text: string): string {
  return printable(text, MAX_FIELD).replaceAll(' ', '\\u{20}');
}
