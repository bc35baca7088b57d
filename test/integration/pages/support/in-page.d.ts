export function lowContrast(): string[];
export function unlabelled(): string[];
export function neededWidth(): number;
export function logoIsShown(): boolean;
export function focus(): {tag: string; top: number; outlineStyle: string; outlineWidth: string};
export function transitionOfButtons(): string;
export function ask(requests: {url: string; init?: RequestInit}[]): Promise<string[]>;
export function postForm(form: {action: string; fields?: Record<string, string>}): void;
