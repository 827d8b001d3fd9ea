/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_INTERFACE_H
#define SHMBROKER_PROTO_INTERFACE_H

/* The text of proto/org.shmbroker.Broker.varlink, byte for byte; the build makes interface.c of it.
 */

extern const char interface_broker_description[];
extern const char interface_service_description[];

#endif
