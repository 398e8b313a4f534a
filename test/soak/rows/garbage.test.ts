import { itHoldsInSmall } from '../in-small.js';
import { garbage } from './garbage.js';

itHoldsInSmall(garbage);
