import type { Eventual } from '../eventual.js';
import { hostName } from '../inspect/host-name.js';
import { type Expanded, expand, isPerSni } from './expansion.js';
import { type ClientConnectionFacts, type ServerConnectionFacts, WatchedFacts } from './facts.js';
import { assertFits, type Values } from './material.js';
import { type CredentialSettings, EXPANDABLE, type ExpandableName } from './options.js';

/** Turns options into the values that they have for one connection. */
export class Expander {
  /** The values of the options that do not expand. */
  readonly fixed: Values;
  readonly #settings: CredentialSettings;
  readonly #expanding: readonly ExpandableName[];
  readonly #perServerName: readonly ExpandableName[];

  constructor(settings: CredentialSettings) {
    const { given } = settings;
    this.#settings = settings;
    this.#expanding = EXPANDABLE.filter((name) => typeof given[name] === 'function');
    this.#perServerName = EXPANDABLE.filter((name) => isPerSni(given[name]));
    const fixed = EXPANDABLE.filter((name) => given[name] !== undefined && typeof given[name] !== 'function');
    this.fixed = Object.fromEntries(fixed.map((name) => [name, { value: given[name], byPeer: false }]));
  }

  /** Whether every connection has the same values. */
  get isFixed(): boolean {
    return this.#expanding.length === 0;
  }

  /** Whether the values may depend on the name that a client asks for. */
  get dependsOnServerName(): boolean {
    return this.#perServerName.length > 0;
  }

  expands(name: ExpandableName): boolean {
    return this.#expanding.includes(name);
  }

  /** @throws {ExpansionError} of the first option that failed */
  values(connection: ServerConnectionFacts | ClientConnectionFacts): Eventual<Values> {
    if (this.isFixed) return this.fixed;
    return this.#merged(this.fixed, this.#expanding, connection).then((values) => {
      if (values.certificate !== undefined) return values;
      const { privateKey: _unused, ...others } = values; // a key of nobody
      return others;
    });
  }

  /**
   * @param first - what the options were before the name was known; all but the `perSni` ones stay so
   * @param serverName - as the client sent it
   * @returns `null` where the default certificate is meant, also for what is no host name
   * @throws {ExpansionError}
   */
  async valuesFor(first: Values, connection: ServerConnectionFacts, serverName: string): Promise<Values | null> {
    const sni = hostName(serverName); // RFC 6066 §3: without a trailing dot; some send one
    if (!this.dependsOnServerName || sni === null) return null;
    const others = Object.entries(first).filter(([name]) => !this.#perServerName.some((one) => one === name));
    const values = await this.#merged(Object.fromEntries(others), this.#perServerName, { ...connection, sni });
    if (values.certificate === undefined) return null;
    const answered = this.#perServerName.some((name) => values[name] !== undefined);
    return answered ? values : null;
  }

  /** All callbacks are asked at once, so that together they take no longer than the slowest. */
  async #merged(
    values: Values,
    names: readonly ExpandableName[],
    connection: ServerConnectionFacts | ClientConnectionFacts,
  ): Promise<Values> {
    const { given, expansionTimeoutMs } = this.#settings;
    const watched = new WatchedFacts(connection);
    const pending = names.map((name) => expand(`tls.${name}`, given[name], watched, expansionTimeoutMs));
    const expanded: readonly Expanded[] = await Promise.all(pending);
    const all: { -readonly [Name in keyof Values]: Values[Name] } = { ...values };
    expanded.forEach((one, index) => {
      const name = names[index];
      if (one.kind === 'failed') throw one.error;
      if (one.kind === 'unset' || name === undefined) return;
      assertFits(name, one.value);
      all[name] = { value: one.value, byPeer: one.byPeer };
    });
    return all;
  }
}
