import type { Row } from './row.js';
import { certificateTurnover } from './rows/certificate-turnover.js';
import { cutMessages } from './rows/cut-messages.js';
import { garbage } from './rows/garbage.js';
import { idleSessions } from './rows/idle-sessions.js';
import { loopDelay } from './rows/loop-delay.js';
import { mixed } from './rows/mixed.js';
import { pausedConsumer } from './rows/paused-consumer.js';
import { rotation } from './rows/rotation.js';
import { slowHandshakes } from './rows/slow-handshakes.js';
import { stuckHandshakes } from './rows/stuck-handshakes.js';
import { teardowns } from './rows/teardowns.js';

/** The rows of the soak. Those of the table that are not here are tests or rows of the bench: docs/reliability.md. */
export const ROWS: readonly Row[] = [
  idleSessions,
  loopDelay,
  slowHandshakes,
  stuckHandshakes,
  teardowns,
  rotation,
  certificateTurnover,
  pausedConsumer,
  cutMessages,
  garbage,
  mixed,
];
