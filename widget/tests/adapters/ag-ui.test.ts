import { describeAgent } from './ag-ui-suite.js';

describeAgent('1.0.0');
