import { itHoldsInSmall } from '../in-small.js';
import { idleSessions } from './idle-sessions.js';

itHoldsInSmall(idleSessions);
