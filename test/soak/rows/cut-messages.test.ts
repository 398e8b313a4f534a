import { itHoldsInSmall } from '../in-small.js';
import { cutMessages } from './cut-messages.js';

itHoldsInSmall(cutMessages);
