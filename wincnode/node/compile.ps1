<#
.SYNOPSIS
Compiles the files of C# that kinds bring as one, once for each process.
.NOTES
Source: Add-Type starts csc.exe with files in TEMP, and LIB misleads it, github.com/ansible/ansible/issues/75698
#>
function Import-WnLibrary([string[]]$Files, [string]$Type) {
    # Says why the type cannot be used; nothing where it can.
    if (-not [Environment]::Is64BitProcess) { return 'A 32-bit process cannot call the services of containers.' }
    if (-not ($Type -as [type])) {
        # Add-Type takes no name of a type twice, so whatever the request brings is compiled together.
        $others = @(foreach ($p in $Request.scripts.PSObject.Properties) { if ($p.Name -like '*.cs' -and $Files -notcontains $p.Name) { $p.Name } })
        $source = @(foreach ($file in $Files + $others) { Get-WnScript $file }) -join "`n"
        $at = $Folder
        if (-not $at) { $at = "$base\runs\" + $plan.run }
        $before = @{ TEMP = $env:TEMP; TMP = $env:TMP; LIB = $env:LIB }
        try {
            $null = [IO.Directory]::CreateDirectory("$at\compile")
            $env:TEMP = "$at\compile"
            $env:TMP = "$at\compile"
            $env:LIB = ''
            # It fails at times on busy machines, with files of its own: one more attempt.
            try { Add-Type -TypeDefinition $source } catch { Add-Type -TypeDefinition $source }
        } catch {
            return "$($Files[-1]) was not compiled: " + $_.Exception.Message.Split("`n")[0].Trim()
        } finally {
            foreach ($name in $before.Keys) { [Environment]::SetEnvironmentVariable($name, $before[$name]) }
            if ([IO.Directory]::Exists("$at\compile")) { [IO.Directory]::Delete("$at\compile", $true) }
            if (-not $Folder -and [IO.Directory]::Exists($at)) { [IO.Directory]::Delete($at) }
        }
    }
    ($Type -as [type])::Refusal()
}
