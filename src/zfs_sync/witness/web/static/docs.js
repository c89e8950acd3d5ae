// SPDX-FileCopyrightText: 2026 The ZFS Sync authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/api/v1/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null,
    persistAuthorization: false,
  });
});
