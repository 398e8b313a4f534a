import { itHoldsInSmall } from '../in-small.js';
import { pausedConsumer } from './paused-consumer.js';

itHoldsInSmall(pausedConsumer);
