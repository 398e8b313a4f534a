import { itHoldsInSmall } from '../in-small.js';
import { slowHandshakes } from './slow-handshakes.js';

itHoldsInSmall(slowHandshakes);
