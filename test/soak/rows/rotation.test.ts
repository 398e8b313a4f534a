import { itHoldsInSmall } from '../in-small.js';
import { rotation } from './rotation.js';

itHoldsInSmall(rotation);
