import { HostListSyntaxError } from './errors.js';
import { type HostListSource, type HostMatcher, isMatcher } from './options.js';
import type { ListItem } from './parse.js';
import { predicateMatcher } from './predicate.js';

/** How a list is compiled: given in, for a list needs its named lists and they are lists themselves. */
type Compile = (source: string | readonly string[], lists: NamedLists) => HostMatcher;

/** The named lists of one set of options, each compiled when it is first used. */
export class NamedLists {
  readonly #sources: Readonly<Record<string, HostListSource>>;
  readonly #timeoutMs: number;
  readonly #compile: Compile;
  /** `null` while it is being compiled. */
  readonly #compiled = new Map<string, HostMatcher | null>();

  constructor(sources: Readonly<Record<string, HostListSource>>, timeoutMs: number, compile: Compile) {
    this.#sources = sources;
    this.#timeoutMs = timeoutMs;
    this.#compile = compile;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#sources, name) && this.#sources[name] !== undefined;
  }

  /**
   * @param item - the item that names the list
   * @throws {HostListSyntaxError} of an item in the named list, or of this one where the list leads back to itself
   */
  matcher(item: ListItem, name: string): HostMatcher {
    const known = this.#compiled.get(name);
    if (known === null) throw new HostListSyntaxError(item, 'a named list that does not lead back to itself');
    if (known !== undefined) return known;
    this.#compiled.set(name, null);
    const made = this.#make(name, this.#sources[name] ?? []);
    this.#compiled.set(name, made);
    return made;
  }

  #make(name: string, source: HostListSource): HostMatcher {
    if (isMatcher(source)) return source;
    if (typeof source === 'function') return predicateMatcher(source, this.#timeoutMs);
    try {
      return this.#compile(source, this);
    } catch (error) {
      if (!(error instanceof HostListSyntaxError) || error.list !== null) throw error;
      const { item, index, offset, expected } = error;
      throw new HostListSyntaxError({ text: item, index, offset }, expected, name);
    }
  }
}
