/** What a row sets on its server; the rest is as an application has it. */
export interface ServerSettings {
  /** PEM, or the paths of files. Default: a certificate for `mx.test`. */
  readonly certificate?: string;
  readonly privateKey?: string;
  readonly handshakeTimeoutMs?: number;
  /** Handlers read one slice of their message, and the rest when they are told to. */
  readonly paused?: boolean;
  /** The server's own sockets are torn down at random moments, in random ways, half of them. */
  readonly teardownSeed?: number;
}

/** What a row tells its server, and what that answers. */
export interface SoakOrders {
  listen: {
    order: ServerSettings & { readonly certificate: string; readonly privateKey: string };
    answer: { readonly port: number; readonly tlsPort: number };
  };
  /** Reads the meters. */
  mark: { order: { readonly collectGarbage: boolean }; answer: Mark };
  /** Forgets what the loop was delayed by so far. */
  watchLoop: { order: null; answer: null };
  /** Lets paused handlers read on. */
  readOn: { order: null; answer: null };
}

/** The meters of a server process, since it began. */
export interface Mark {
  /** Resident memory. */
  readonly mib: number;
  /** Open sockets, asked of the system, and not of Node, which forgets what it leaks; 0 where the system does not say. */
  readonly sockets: number;
  /** Sessions that go on. */
  readonly connections: number;
  /** Sessions that began, and that were reported as over. */
  readonly begun: number;
  readonly over: number;
  /** 'tlsError' events, by code. */
  readonly failed: Readonly<Record<string, number>>;
  /** Texts of warnings, each once, and how many there were. */
  readonly warnings: readonly string[];
  readonly warned: number;
  /** Messages of which a handler saw the beginning; of which it saw the end; and of those, which were not whole. */
  readonly opened: number;
  readonly accepted: number;
  readonly truncated: number;
  /** Octets that paused handlers have read. */
  readonly octets: number;
  /** Sets of credentials that are kept ready, and how many were loaded. */
  readonly contexts: number;
  readonly loaded: number;
  readonly loopDelayP99Ms: number;
}
