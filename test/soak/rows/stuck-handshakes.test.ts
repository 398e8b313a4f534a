import { itHoldsInSmall } from '../in-small.js';
import { stuckHandshakes } from './stuck-handshakes.js';

itHoldsInSmall(stuckHandshakes);
