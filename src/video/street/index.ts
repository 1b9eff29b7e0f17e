// A street of our own: rendered, with everything known exactly.

export { streetClasses, type StreetFrame, type StreetStill } from "./street-frame.ts";
export {
  streetCameras,
  streetStyles,
  type StreetCamera,
  type StreetOptions,
  type StreetStyle,
} from "./street-options.ts";
export { Street } from "./street.ts";
