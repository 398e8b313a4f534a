import { itHoldsInSmall } from '../in-small.js';
import { mixed } from './mixed.js';

itHoldsInSmall(mixed);
