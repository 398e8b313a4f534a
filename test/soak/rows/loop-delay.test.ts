import { itHoldsInSmall } from '../in-small.js';
import { loopDelay } from './loop-delay.js';

itHoldsInSmall(loopDelay);
