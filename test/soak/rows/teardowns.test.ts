import { itHoldsInSmall } from '../in-small.js';
import { teardowns } from './teardowns.js';

itHoldsInSmall(teardowns);
