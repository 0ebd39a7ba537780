<#
.SYNOPSIS
A folder exists, with the access list of an SDDL text if one is wanted, or does not exist; a pruned
one exists only as long as something is in it.
.NOTES
Source: SDDL, learn.microsoft.com/windows/win32/secauthz/security-descriptor-definition-language
#>
function Get-WnDirectory {
    param([hashtable]$Key, [hashtable]$Want)
    $values = @{ state = 'absent' }
    if (-not [IO.Directory]::Exists($Key['path'])) {
        # Those above it that are missing are made with it.
        $above = [IO.Path]::GetDirectoryName($Key['path'].Replace('/', '\').TrimEnd('\'))
        $values['parents'] = @(while ($above -and -not [IO.Directory]::Exists($above)) { $above; $above = [IO.Path]::GetDirectoryName($above) })
    } else {
        $values['state'] = 'present'
        if ($Want['sddl']) {
            $item = New-Object -TypeName IO.DirectoryInfo -ArgumentList $Key['path']
            $have = $item.GetAccessControl().GetSecurityDescriptorSddlForm('All')
            $values['sddl'] = $have
            # One access list has many spellings: what it says is compared, not how.
            $wanted = New-Object -TypeName Security.AccessControl.DirectorySecurity
            $wanted.SetSecurityDescriptorSddlForm($Want['sddl'])
            $parts = [Security.AccessControl.AccessControlSections]'Access'
            if ($Want['sddl'] -match '^O:') { $parts = [Security.AccessControl.AccessControlSections]'Access,Owner' }
            # AI only says that inheritance ran; Windows sets it by itself.
            $there = $item.GetAccessControl().GetSecurityDescriptorSddlForm($parts) -replace 'D:(P?)A[IR]+', 'D:$1'
            if ($there -ceq ($wanted.GetSecurityDescriptorSddlForm($parts) -replace 'D:(P?)A[IR]+', 'D:$1')) { $values['sddl'] = $Want['sddl'] }
        }
    }
    if ($Want['state'] -eq 'pruned' -and ($values['state'] -eq 'absent' -or [IO.Directory]::GetFileSystemEntries($Key['path']).Length)) { $values['state'] = 'pruned' }
    @{ state = 'settled'; values = $values }
}
function Remove-WnTree {
    # Pods leave links to folders of the host behind: a link goes, what it leads to stays.
    param([IO.DirectoryInfo]$Folder)
    foreach ($file in $Folder.GetFiles()) {
        $file.Attributes = 'Normal'
        $file.Delete()
    }
    foreach ($item in $Folder.GetDirectories()) {
        if ($item.Attributes -band [IO.FileAttributes]::ReparsePoint) { $item.Delete() } else { Remove-WnTree $item }
    }
    $Folder.Attributes = 'Normal'
    $Folder.Delete()
}
function Set-WnDirectory {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    if ($Want['state'] -eq 'absent') {
        Remove-WnTree (New-Object -TypeName IO.DirectoryInfo -ArgumentList $Key['path'])
        return
    }
    if ($Want['state'] -eq 'pruned') {
        [IO.Directory]::Delete($Key['path'])
        return
    }
    if (-not $Want['sddl']) {
        $null = [IO.Directory]::CreateDirectory($Key['path'])
        return
    }
    $security = New-Object -TypeName Security.AccessControl.DirectorySecurity
    $security.SetSecurityDescriptorSddlForm($Want['sddl'])
    if ([IO.Directory]::Exists($Key['path'])) {
        (New-Object -TypeName IO.DirectoryInfo -ArgumentList $Key['path']).SetAccessControl($security)
    } else {
        # The folder is born with its access list; there is no moment in which others may write.
        $null = [IO.Directory]::CreateDirectory($Key['path'], $security)
    }
}
