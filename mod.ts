export * from "@kit/endpoint";
