import { itHoldsInSmall } from '../in-small.js';
import { certificateTurnover } from './certificate-turnover.js';

itHoldsInSmall(certificateTurnover);
