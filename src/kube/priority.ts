/** How a key of the work queue is taken. Low lets the others pass, for a while. */
export type Priority = 'normal' | 'low';
