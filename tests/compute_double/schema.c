/* Which fields a document may have on which build: the service refuses what it does not know (E3, E8).
 *
 * Source: MicrosoftDocs/Virtualization-Documentation:virtualization/api/hcs/SchemaReference.md;
 * microsoft/hcsshim:internal/hcs/schema1/schema1.go, internal/hcs/schema2
 */
#include "double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { V21 = 17763, V22 = 18362, V23 = 19041, V24 = 20348, V25 = 20348 };

/* A line is a type, a field, what it holds: text, number, flag, any, or a type; [] before it is an
 * array of it, {} a map of it. */
static const struct { const char *type, *name, *holds; int build; } FIELDS[] = {
    {"ComputeSystem", "Owner", "text", V21}, {"ComputeSystem", "SchemaVersion", "Version", V21},
    {"ComputeSystem", "HostingSystemId", "text", V21}, {"ComputeSystem", "HostedSystem", "HostedSystem", V21},
    {"ComputeSystem", "Container", "Container", V21}, {"ComputeSystem", "VirtualMachine", "VirtualMachine", V21},
    {"ComputeSystem", "ShouldTerminateOnLastHandleClosed", "flag", V21},
    {"Version", "Major", "number", V21}, {"Version", "Minor", "number", V21},
    {"HostedSystem", "SchemaVersion", "Version", V21}, {"HostedSystem", "Container", "Container", V21},
    {"Container", "GuestOs", "GuestOs", V21}, {"Container", "Storage", "Storage", V21},
    {"Container", "MappedDirectories", "[]MappedDirectory", V21}, {"Container", "MappedPipes", "[]MappedPipe", V21},
    {"Container", "Memory", "ContainerMemory", V21}, {"Container", "Processor", "ContainerProcessor", V21},
    {"Container", "Networking", "Networking", V21}, {"Container", "HvSocket", "any", V21},
    {"Container", "ContainerCredentialGuard", "any", V21}, {"Container", "RegistryChanges", "RegistryChanges", V21},
    {"Container", "AssignedDevices", "any", V21}, {"Container", "AdditionalDeviceNamespace", "any", V25},
    {"GuestOs", "HostName", "text", V21},
    {"Storage", "Layers", "[]Layer", V21}, {"Storage", "Path", "text", V21}, {"Storage", "QoS", "any", V21},
    {"Layer", "Id", "text", V21}, {"Layer", "Path", "text", V21}, {"Layer", "PathType", "text", V21}, {"Layer", "Cache", "text", V21},
    {"MappedDirectory", "HostPath", "text", V21}, {"MappedDirectory", "HostPathType", "text", V21},
    {"MappedDirectory", "ContainerPath", "text", V21}, {"MappedDirectory", "ReadOnly", "flag", V21},
    {"MappedPipe", "ContainerPipeName", "text", V21}, {"MappedPipe", "HostPath", "text", V21}, {"MappedPipe", "HostPathType", "text", V21},
    {"ContainerMemory", "SizeInMB", "number", V21},
    {"ContainerProcessor", "Count", "number", V21}, {"ContainerProcessor", "Maximum", "number", V21}, {"ContainerProcessor", "Weight", "number", V21},
    {"Networking", "AllowUnqualifiedDnsQuery", "flag", V21}, {"Networking", "DnsSearchList", "text", V21},
    {"Networking", "NetworkSharedContainerName", "text", V21}, {"Networking", "Namespace", "text", V21},
    {"Networking", "NetworkAdapters", "[]text", V21},
    {"RegistryChanges", "AddValues", "[]RegistryValue", V21}, {"RegistryChanges", "DeleteKeys", "[]RegistryKey", V21},
    {"RegistryKey", "Hive", "text", V21}, {"RegistryKey", "Name", "text", V21}, {"RegistryKey", "Volatile", "flag", V21},
    {"RegistryValue", "Key", "RegistryKey", V21}, {"RegistryValue", "Name", "text", V21}, {"RegistryValue", "Type", "text", V21},
    {"RegistryValue", "StringValue", "text", V21}, {"RegistryValue", "BinaryValue", "text", V21},
    {"RegistryValue", "DWordValue", "number", V21}, {"RegistryValue", "QWordValue", "number", V21}, {"RegistryValue", "CustomType", "number", V21},
    {"VirtualMachine", "StopOnReset", "flag", V21}, {"VirtualMachine", "Chipset", "Chipset", V21},
    {"VirtualMachine", "ComputeTopology", "Topology", V21}, {"VirtualMachine", "Devices", "Devices", V21},
    {"VirtualMachine", "GuestState", "any", V21}, {"VirtualMachine", "RestoreState", "any", V21},
    {"VirtualMachine", "RegistryChanges", "RegistryChanges", V21}, {"VirtualMachine", "GuestConnection", "GuestConnection", V21},
    {"VirtualMachine", "StorageQoS", "any", V21}, {"VirtualMachine", "Version", "Version", V25}, {"VirtualMachine", "Services", "any", V25},
    {"Chipset", "Uefi", "Uefi", V21}, {"Chipset", "IsNumLockDisabled", "flag", V21}, {"Chipset", "BaseBoardSerialNumber", "text", V21},
    {"Chipset", "ChassisSerialNumber", "text", V21}, {"Chipset", "ChassisAssetTag", "text", V21}, {"Chipset", "UseUtc", "flag", V21},
    {"Chipset", "LinuxKernelDirect", "Kernel", 18286}, {"Chipset", "EnableHibernation", "flag", V25},
    {"Kernel", "KernelFilePath", "text", V21}, {"Kernel", "InitRdPath", "text", V21}, {"Kernel", "KernelCmdLine", "text", V21},
    {"Uefi", "EnableDebugger", "flag", V21}, {"Uefi", "SecureBootTemplateId", "text", V21}, {"Uefi", "BootThis", "UefiBoot", V21},
    {"Uefi", "Console", "text", V21}, {"Uefi", "StopOnBootFailure", "flag", V22}, {"Uefi", "ApplySecureBootTemplate", "text", V23},
    {"UefiBoot", "DeviceType", "text", V21}, {"UefiBoot", "DevicePath", "text", V21}, {"UefiBoot", "DiskNumber", "number", V21},
    {"UefiBoot", "OptionalData", "text", V21}, {"UefiBoot", "VmbFsRootPath", "text", V21},
    {"Topology", "Memory", "VmMemory", V21}, {"Topology", "Processor", "VmProcessor", V21}, {"Topology", "Numa", "any", V25},
    {"VmMemory", "SizeInMB", "number", V21}, {"VmMemory", "AllowOvercommit", "flag", V21}, {"VmMemory", "EnableHotHint", "flag", V21},
    {"VmMemory", "EnableColdHint", "flag", V21}, {"VmMemory", "EnableEpf", "flag", V21}, {"VmMemory", "EnableDeferredCommit", "flag", V21},
    {"VmMemory", "EnableColdDiscardHint", "flag", V22}, {"VmMemory", "BackingPageSize", "text", V22},
    {"VmMemory", "LowMMIOGapInMB", "number", V23}, {"VmMemory", "HighMMIOBaseInMB", "number", V23}, {"VmMemory", "HighMMIOGapInMB", "number", V23},
    {"VmMemory", "FaultClusterSizeShift", "number", V24}, {"VmMemory", "DirectMapFaultClusterSizeShift", "number", V24},
    {"VmProcessor", "Count", "number", V21}, {"VmProcessor", "Limit", "number", V21}, {"VmProcessor", "Weight", "number", V21},
    {"VmProcessor", "ExposeVirtualizationExtensions", "flag", V21}, {"VmProcessor", "EnablePerfmonPmu", "flag", V22},
    {"VmProcessor", "ProcessorFeatureSet", "any", V25}, {"VmProcessor", "CpuGroup", "any", V25},
    {"Devices", "ComPorts", "{}ComPort", V21}, {"Devices", "Scsi", "{}Scsi", V21}, {"Devices", "VirtualPMem", "PMem", V21},
    {"Devices", "NetworkAdapters", "{}NetworkAdapter", V21}, {"Devices", "VideoMonitor", "any", V21}, {"Devices", "Keyboard", "any", V21},
    {"Devices", "Mouse", "any", V21}, {"Devices", "HvSocket", "HvSocket", V21}, {"Devices", "EnhancedModeVideo", "any", V21},
    {"Devices", "GuestCrashReporting", "any", V21}, {"Devices", "VirtualSmb", "VirtualSmb", V21}, {"Devices", "Plan9", "Plan9", V21},
    {"Devices", "Battery", "any", V21}, {"Devices", "FlexibleIov", "any", V21}, {"Devices", "SharedMemory", "any", V21},
    {"Devices", "VirtualPci", "any", V23},
    {"ComPort", "NamedPipe", "text", V21}, {"ComPort", "OptimizeForDebugger", "flag", V21},
    {"Scsi", "Attachments", "{}Attachment", V21},
    {"Attachment", "Type", "text", V21}, {"Attachment", "Path", "text", V21}, {"Attachment", "ReadOnly", "flag", V21},
    {"Attachment", "IgnoreFlushes", "flag", V21}, {"Attachment", "CachingMode", "text", V21}, {"Attachment", "NoWriteHardening", "flag", V21},
    {"PMem", "Devices", "{}PMemDevice", V21}, {"PMem", "MaximumCount", "number", V21}, {"PMem", "MaximumSizeBytes", "number", V21}, {"PMem", "Backing", "text", V21},
    {"PMemDevice", "HostPath", "text", V21}, {"PMemDevice", "ReadOnly", "flag", V21}, {"PMemDevice", "ImageFormat", "text", V21},
    {"NetworkAdapter", "EndpointId", "text", V21}, {"NetworkAdapter", "MacAddress", "text", V21},
    {"HvSocket", "HvSocketConfig", "HvSocketConfig", V21},
    {"HvSocketConfig", "DefaultBindSecurityDescriptor", "text", V21}, {"HvSocketConfig", "DefaultConnectSecurityDescriptor", "text", V21},
    {"HvSocketConfig", "ServiceTable", "any", V21},
    {"VirtualSmb", "Shares", "[]Share", V21}, {"VirtualSmb", "DirectFileMappingInMB", "number", V21},
    {"Share", "Name", "text", V21}, {"Share", "Path", "text", V21}, {"Share", "AllowedFiles", "[]text", V21}, {"Share", "Options", "ShareOptions", V21},
    {"ShareOptions", "ReadOnly", "flag", V21}, {"ShareOptions", "ShareRead", "flag", V21}, {"ShareOptions", "CacheIo", "flag", V21},
    {"ShareOptions", "NoOplocks", "flag", V21}, {"ShareOptions", "TakeBackupPrivilege", "flag", V21}, {"ShareOptions", "UseShareRootIdentity", "flag", V21},
    {"ShareOptions", "NoDirectmap", "flag", V21}, {"ShareOptions", "NoLocks", "flag", V21}, {"ShareOptions", "PseudoOplocks", "flag", V21},
    {"ShareOptions", "PseudoDirnotify", "flag", V21}, {"ShareOptions", "RestrictFileAccess", "flag", V21}, {"ShareOptions", "ForceLevelIIOplocks", "flag", V21},
    {"Plan9", "Shares", "any", V21},
    {"GuestConnection", "UseVsock", "flag", V21}, {"GuestConnection", "UseConnectedSuspend", "flag", V21}, {"GuestConnection", "UseHostTimeZone", "flag", V24},
    {"Process", "ApplicationName", "text", V21}, {"Process", "CommandLine", "text", V21}, {"Process", "CommandArgs", "[]text", V21},
    {"Process", "User", "text", V21}, {"Process", "WorkingDirectory", "text", V21}, {"Process", "Environment", "{}text", V21},
    {"Process", "RestrictedToken", "flag", V21}, {"Process", "EmulateConsole", "flag", V21}, {"Process", "CreateStdInPipe", "flag", V21},
    {"Process", "CreateStdOutPipe", "flag", V21}, {"Process", "CreateStdErrPipe", "flag", V21}, {"Process", "ConsoleSize", "[]number", V21},
    {"Process", "UseExistingLogin", "flag", V21}, {"Process", "UseLegacyConsole", "flag", V21},
    {"Modify", "ResourcePath", "text", V21}, {"Modify", "RequestType", "text", V21}, {"Modify", "Settings", "any", V21}, {"Modify", "GuestRequest", "any", V21},
    {"GuestRequest", "ResourceType", "text", V21}, {"GuestRequest", "RequestType", "text", V21}, {"GuestRequest", "Settings", "any", V21},
    {"MappedVirtualDisk", "ContainerPath", "text", V21}, {"MappedVirtualDisk", "Lun", "number", V21},
    {"CombinedLayers", "ContainerRootPath", "text", V21}, {"CombinedLayers", "Layers", "[]Layer", V21},
    {"SystemQuery", "PropertyTypes", "[]text", V21}, {"SystemQuery", "Queries", "any", V25}, {"SystemQuery", "PropertyQueries", "any", V25},
    {"Query", "Ids", "[]text", V21}, {"Query", "Names", "[]text", V21}, {"Query", "Types", "[]text", V21}, {"Query", "Owners", "[]text", V21},
    {"V1", "SystemType", "text", V21}, {"V1", "Name", "text", V21}, {"V1", "Owner", "text", V21}, {"V1", "VolumePath", "text", V21},
    {"V1", "IgnoreFlushesDuringBoot", "flag", V21}, {"V1", "LayerFolderPath", "text", V21}, {"V1", "Layers", "[]V1Layer", V21},
    {"V1", "HostName", "text", V21}, {"V1", "HvPartition", "flag", V21}, {"V1", "HvRuntime", "V1Runtime", V21},
    {"V1", "EndpointList", "[]text", V21}, {"V1", "TerminateOnLastHandleClosed", "flag", V21}, {"V1", "Credentials", "text", V21},
    {"V1", "ProcessorCount", "number", V21}, {"V1", "ProcessorWeight", "number", V21}, {"V1", "ProcessorMaximum", "number", V21},
    {"V1", "MemoryMaximumInMB", "number", V21}, {"V1", "StorageSandboxSize", "number", V21}, {"V1", "MappedDirectories", "any", V21},
    {"V1", "MappedPipes", "any", V21}, {"V1", "AllowUnqualifiedDNSQuery", "flag", V21}, {"V1", "DNSSearchList", "text", V21},
    {"V1Layer", "ID", "text", V21}, {"V1Layer", "Path", "text", V21}, {"V1Runtime", "ImagePath", "text", V21},
    {NULL, NULL, NULL, 0}};

static char *unfit(const char *holds, const struct json *node, const char *name, int build) {
    static const char *const WORDS[] = {[J_NULL] = "null", [J_FLAG] = "flag", [J_NUMBER] = "number", [J_TEXT] = "text"};
    if (!strcmp(holds, "any") || node->type == J_NULL) return NULL;
    bool many = holds[0] == '[', map = holds[0] == '{';
    if (many || map) {
        if (node->type != (many ? J_ARRAY : J_OBJECT)) return format("The value of %s has another type.", name);
        for (const struct json *item = node->first; item; item = item->next) {
            char *wrong = unfit(holds + 2, item, item->name ? item->name : name, build);
            if (wrong) return wrong;
        }
        return NULL;
    }
    if (node->type == J_OBJECT) return misfit(holds, node, build);
    if (node->type == J_ARRAY || strcmp(WORDS[node->type], holds)) return format("The value of %s has another type.", name);
    return NULL;
}

char *misfit(const char *type, const struct json *document, int build) {
    if (!document || document->type != J_OBJECT) return format("%s is no object.", type);
    for (const struct json *item = document->first; item; item = item->next) {
        int row = 0;
        while (FIELDS[row].type && (strcmp(FIELDS[row].type, type) || strcmp(FIELDS[row].name, item->name))) row++;
        if (!FIELDS[row].type || build < FIELDS[row].build) return format("%s has no field %s.", type, item->name);
        char *wrong = unfit(FIELDS[row].holds, item, item->name, build);
        if (wrong) return wrong;
    }
    return NULL;
}
