// Everything of this folder that others may use.

export { compareNaturally, isImageName } from "./image-list.ts";
export { decodeDepth, encodeDepth, type DepthMap } from "./depth-file.ts";
export { encodeImage, type EncodeImageOptions } from "./encode-image.ts";
export { decodeFlow, encodeFlow, type FlowField } from "./flow-file.ts";
export { FrameVideo, type FrameVideoOptions } from "./frame-video.ts";
export { readLabelImage } from "./label-image.ts";
export type { Ratio } from "./native.ts";
export { paletteFor, readPalette } from "./palette.ts";
export { pictureVideoExtensions } from "./picture-video.ts";
export { PngEncoder, type Picture, type PngEncoderOptions, type PngForm } from "./png-encoder.ts";
export { readImage } from "./read-image.ts";
export { type OpenVideoOptions, openVideo, type VideoInfo, type VideoReader } from "./reader.ts";
export type { LabelSink, SinkOptions } from "./sink.ts";
export { openSink } from "./writer.ts";
